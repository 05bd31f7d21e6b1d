"""Every way in which making a film can fail, as one tree. Knows no library and no stage.

    ReelhouseError                a film could not be made
    ├── UsageError                what was asked for is not possible (exit 2)
    │   ├── BadRequest            a field of the request is wrong; `field` names it
    │   ├── BadScript             an own script is not one
    │   ├── BadCatalog            models.yaml is wrong; the message lists the valid keys
    │   ├── BadSetting            reelhouse.toml or the environment is wrong; the message suggests the nearest name
    │   ├── LicenceRefused        the model's licence does not allow the declared use, or nobody has accepted it yet
    │   └── NotPinned             models.yaml does not say which files of a source are meant
    ├── ModelError                a model cannot be opened or run
    │   ├── ModelMissing          its files are not on this machine
    │   ├── ModelCorrupt          a file is truncated, altered or of a refused kind
    │   ├── ModelUnavailable      its library or device is not on this machine
    │   ├── DownloadFailed        it could not be fetched; what came of it is kept
    │   ├── PackRefused           a pack or archive is damaged, or not what it says it is; nothing of it is installed
    │   ├── OutOfMemory           the device had too little memory; the caller may step down the ladder
    │   └── DeviceLost            the GPU faulted, or somebody else has it: this process is lost, another may do
    ├── StageFailed               a stage gave up after its bounded retries
    │   ├── WriterFailed          no acceptable script came out of the writer
    │   └── MediaFailed           ffmpeg refused; the message carries its last line
    ├── StorageFull               the disk is full (or as good as full)
    ├── StorageUnwritable         a folder or file cannot be written
    └── Cancelled                 somebody asked to stop; not a failure (exit 130)

Each has a stable `code` and one sentence that names cause and remedy.
"""

from __future__ import annotations


class ReelhouseError(Exception):
    """The root. `message` is one sentence naming cause and remedy; `code` never changes between releases."""

    code = "failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(ReelhouseError):
    code = "bad_request"


class BadRequest(UsageError):
    """`field` is the request's field name as the user knows it (for the command line: the flag without dashes)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class BadScript(UsageError):
    code = "bad_script"


class BadCatalog(UsageError):
    code = "bad_catalog"


class BadSetting(UsageError):
    code = "bad_setting"


class LicenceRefused(UsageError):
    code = "licence_refused"


class NotPinned(UsageError):
    code = "not_pinned"


class ModelError(ReelhouseError):
    code = "model_error"


class ModelMissing(ModelError):
    code = "model_missing"


class ModelCorrupt(ModelError):
    code = "model_corrupt"


class ModelUnavailable(ModelError):
    code = "model_unavailable"


class DownloadFailed(ModelError):
    code = "download_failed"


class PackRefused(ModelError):
    code = "pack_refused"


class OutOfMemory(ModelError):
    code = "out_of_memory"


class DeviceLost(ModelError):
    code = "device_lost"


class StageFailed(ReelhouseError):
    code = "stage_failed"


class WriterFailed(StageFailed):
    code = "writer_failed"


class MediaFailed(StageFailed):
    code = "media_failed"


class StorageFull(ReelhouseError):
    code = "insufficient_storage"


class StorageUnwritable(ReelhouseError):
    code = "storage_unwritable"


class Cancelled(ReelhouseError):
    code = "cancelled"

    def __init__(self, message: str = "Stopped on request; run it again with the same work folder to resume.") -> None:
        super().__init__(message)
