# No such spool, not a spool, a file, no permission.
mkdir empty some
echo text > some/file
ray query x --spool nowhere
ray query x --spool empty
ray scan some/file
ray scan empty --format postfix --index ix
ray triage some
