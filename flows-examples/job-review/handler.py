#!/usr/bin/env python3
"""The worker's program: reads the payload, says what it found. `breyta jobs worker run` starts it once for each job and sends what it wrote."""
import json
import os

payload = json.load(open(os.environ["BREYTA_JOB_PAYLOAD_FILE"]))
surface = payload["surface"]
if surface == "broken":
    raise SystemExit("this surface cannot be reviewed")
findings = [{"finding": "an open door", "severity": "high"}] if surface == "flows-api" else []
result = {"status": "succeeded", "summary": f"reviewed {surface}",
          "outputs": {"surface": surface, "finding-count": len(findings), "severity": "high" if findings else "none"}}
json.dump(result, open(os.environ["BREYTA_JOB_RESULT_FILE"], "w"))
