# Version and engine; each engine wished for is answered with a reason.
ray version
ray --version
ray version --engine threads
ray version --json
