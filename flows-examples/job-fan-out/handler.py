#!/usr/bin/env python3
"""Counts the words of one text; an empty one is a failure."""
import json
import os

text = json.load(open(os.environ["BREYTA_JOB_PAYLOAD_FILE"]))["text"]
if text:
    result = {"status": "succeeded", "outputs": {"words": len(text.split())}}
else:
    result = {"status": "failed", "message": "there is nothing to count", "code": "empty"}
json.dump(result, open(os.environ["BREYTA_JOB_RESULT_FILE"], "w"))
