#!/bin/sh
# The leaderboard's page in headless Chromium: sorting, filters, theme, a clean console, no request.
. "$(dirname "$0")/lib.sh"

chromium=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    chromium=$(command -v "$name") && break
done
[ -n "$chromium" ] || skip_all "no Chromium on this machine"

cp "$repo"/tests/golden/board/* .
docassist leaderboard score.json noise.json --bench bench.json --published slimlm -o page.html ||
    exit 1
run "$(tool browse)" "$chromium" page.html "$repo/tests/browser/leaderboard.js"
is_exit 0 "the page opens and the script runs"
grep -E '^(ok|not ok) ' "$out" >points
while read -r result name; do
    case $result in
    ok) pass "$name" ;;
    *) fail "${name#ok }" ;;
    esac
done <points
ok "all of the script's checks ran" grep -qx "done" "$out"
is "$(grep -E '^(console|error|log|request): ' "$out")" "" "clean console, no request"
done_testing
