# Where the kernel refuses a ring, the scan goes on with threads, and version and the report say why.
make_spool s --count 40
export SPFAIL=ring_setup:1+:EPERM
"$SPOOLRAY" version | grep -q 'ring set-up refused' || exit 77 # no failpoints in this build
ray version | sed 's/refused (.*)/refused (WHY)/'
ray version --json | sed 's/refused (.*)/refused (WHY)/'
ray version --engine uring | sed 's/refused (.*)/refused (WHY)/'
spool=s index=ix
ray scan | grep -E '^\$|engine' | sed 's/refused (.*)/refused (WHY)/'
quiet_ray query '*' --count
export SPFAIL=ring_setup:1+:ENOMEM
ray version
export SPFAIL=ring_setup:1+:ENOSYS
ray version
