#!/usr/bin/env bash
# Asks the registry whether what callwake needs at run time has known vulnerabilities. Ends with 1 when there is one that is high or worse, with 0
# when there is none, and with 0 and "not done" when the registry can't be asked: that it was not done is said, and is no reason to refuse a change.
set -uo pipefail
cd "$(dirname "$0")/.."
said=$(timeout 60 npm audit --omit=dev --audit-level=high --json 2>/dev/null)
code=$?
count() { node -e 'try { console.log(Object.values(JSON.parse(process.argv[1]).metadata.vulnerabilities).length) } catch { process.exit(1) }' "$said" >/dev/null 2>&1; }
if ! count; then
  why=$(node -e 'try { console.log(JSON.parse(process.argv[1]).message.split("\n")[0]) } catch { console.log("no answer within 60 s, or none that can be read") }' "$said")
  echo "audit: not done: $why"
  exit 0
fi
node -e '
  const { vulnerabilities, metadata } = JSON.parse(process.argv[1]);
  const { total, ...counts } = metadata.vulnerabilities;
  const found = Object.entries(counts).filter(([, count]) => count > 0).map(([severity, count]) => `${count} ${severity}`);
  console.log(`audit: done: ${found.join(", ") || "no known vulnerability"}`);
  for (const { name, severity, via } of Object.values(vulnerabilities ?? {}))
    console.log(`  ${name}: ${severity}: ${via.map((entry) => entry.url ?? entry).join(", ")}`);
' "$said"
exit "$code"
