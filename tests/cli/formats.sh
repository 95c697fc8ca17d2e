# What is known of the servers.
ray formats --format postfix
ray formats --format imail
quiet_ray formats --json | jq -r .name
ray formats --format exm
