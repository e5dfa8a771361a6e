"""One module a kind of golden model; each offers all(): name → function that writes that directory."""
