#!/usr/bin/env bash
# Builds a real Ollama (CPU, its slow generic backend) with Go into a folder, in some minutes: for `npm run test:peers`.
# Usage (Debian, as root): ollama.sh FOLDER; then TANDEM_TEST_OLLAMA=FOLDER/bin npm run test:peers
set -euo pipefail
dir=$(realpath -m "$1")
version=v0.17.4
[ -x "$dir/bin/ollama" ] && exit
command -v go > /dev/null || { echo 'ollama.sh needs Go' >&2; exit 1; }
rm -rf "$dir"
mkdir -p "$dir"/lists/partial "$dir"/archives/partial "$dir"/root "$dir"/include/miniaudio
apt-get install -y -q libstb-dev nlohmann-json3-dev
mirror=$(awk '/^URIs:.*\/debian\/?$/ {print $2; exit} /^deb .*\/debian\/? / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}' \
  /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$dir/sources.list"
: > "$dir/status"
beside() {
  apt-get -oDir::Etc::SourceList="$dir/sources.list" -oDir::Etc::SourceParts=/dev/null -oDir::State::Lists="$dir/lists" \
    -oDir::State::status="$dir/status" -oDir::Cache::archives="$dir/archives" -q "$@"
}
beside update
(cd "$dir/archives" && beside download libminiaudio-dev) # a header that Go modules leave out
dpkg -x "$dir"/archives/libminiaudio-dev*.deb "$dir/root"
cp "$dir/root/usr/include/miniaudio.h" "$dir/include/miniaudio/"
cp -r /usr/include/stb "$dir/include/"
CGO_CPPFLAGS="-I$dir/include" GOBIN="$dir/bin" go install "github.com/ollama/ollama@$version"
rm -rf "$dir/archives" "$dir/lists"
