#!/usr/bin/env bash
# Puts Debian's llama-server (unstable suite, signed by Debian's keyring) into a folder beside the system: its C library is newer
# than that of the stable suite, so it is started through its own loader. Usage: llama-server.sh FOLDER
set -euo pipefail
dir=$(realpath -m "$1")
[ -x "$dir/bin/llama-server" ] && exit
rm -rf "$dir"
mkdir -p "$dir"/lists/partial "$dir"/archives/partial "$dir"/root "$dir"/bin
mirror=$(awk '/^URIs:.*\/debian\/?$/ {print $2; exit} /^deb .*\/debian\/? / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}' \
  /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$dir/sources.list"
: > "$dir/status"
beside() {
  apt-get -oDir::Etc::SourceList="$dir/sources.list" -oDir::Etc::SourceParts=/dev/null -oDir::State::Lists="$dir/lists" \
    -oDir::State::status="$dir/status" -oDir::Cache::archives="$dir/archives" -oAPT::Install-Recommends=false \
    -oDebug::NoLocking=true -q "$@"
}
beside update
beside install -y --download-only llama.cpp
for deb in "$dir"/archives/*.deb; do dpkg -x "$deb" "$dir/root"; done
rm -rf "$dir/archives" "$dir/lists"
backends=$(find "$dir/root/usr/lib" -type d -name ggml | head -1)
there=${backends#"$dir/root"} # where the build looks for its CPU backends
[ -e "$there" ] || ln -sfn "$backends" "$there"
loader=$(find "$dir/root" -name 'ld-linux-*.so.2' | head -1)
libraries=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
program=$(find "$dir/root/usr/bin" "$dir/root/usr/libexec" -name llama-server 2>/dev/null | head -1)
printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$program" > "$dir/bin/llama-server"
chmod +x "$dir/bin/llama-server"
