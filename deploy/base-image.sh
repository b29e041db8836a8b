#!/usr/bin/env bash
# Makes a local stand-in for node:24-slim, for machines without a container registry: the repository's own Node 24 and a
# shell with the libraries they need, root certificates, and the unprivileged user `node` (1000).
#
#   deploy/base-image.sh [TAG]          TAG is banyan-base:24 unless given
#   BASE=banyan-base:24 npm run images
#
# Needs a running Docker engine, `npm ci` before it, and a Linux machine of the architecture the images are for.
set -euo pipefail

tag=${1:-banyan-base:24}
repository=$(cd "$(dirname "$0")/.." && pwd)
node=$repository/node_modules/node/bin/node
[ -x "$node" ] || { echo "deploy/base-image.sh: $node is missing; run npm ci first" >&2; exit 1; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,dev,etc/ssl/certs,home/node,proc,sys,tmp,usr/local/bin,usr/share}
chmod 1777 "$root/tmp"

cp "$node" "$root/usr/local/bin/node"
cp -L /bin/sh "$root/bin/sh"
# ldd prints `name => /path (address)`, and the loader itself as `/path (address)`.
ldd "$node" /bin/sh | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'node:x:1000:1000::/home/node:/bin/sh' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'node:x:1000:' >"$root/etc/group"
# Without it, names in /etc/hosts (localhost among them) would be asked of the DNS first.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi
chown 1000:1000 "$root/home/node"

tar -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/local/bin:/bin' \
  --change 'CMD ["node"]' \
  - "$tag"
