# Read by CMake right after llama-cpp-python's project(): leaves out llama.cpp's chat, download and argument code, which
# only its own programs use. A plain variable, since that project forces the cached one ON.
set(LLAMA_BUILD_COMMON OFF)
