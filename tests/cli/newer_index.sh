# An index of a version to come: exit code 7, nothing touched, and the way out.
make_spool s --count 50
spool=s index=ix
quiet_ray scan -q
"$PYTHON" "$HERE/newer_manifest.py" ix/MANIFEST || exit 1
sha256sum ix/* > before
ray query is:bounce --count
ray delete is:bounce --yes --everything
ray scan
ray
sha256sum -c --quiet before && echo "the index is as it was"
quiet_ray scan --full -q
ray query is:bounce --count
