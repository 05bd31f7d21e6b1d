"""One stage a file, one public function each; none knows another."""
