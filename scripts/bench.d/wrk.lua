-- SPDX-License-Identifier: Apache-2.0
-- Tells what wrk measured as one line of JSON. From the environment: BENCH_PIPELINE requests are sent at once,
-- BENCH_POST bytes are posted with each.

local pipeline = tonumber(os.getenv("BENCH_PIPELINE") or "1")
local post = tonumber(os.getenv("BENCH_POST") or "0")

if post > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("a", post)
    wrk.headers["Content-Type"] = "application/octet-stream"
end

if pipeline > 1 then
    local requests

    function init()
        requests = string.rep(wrk.format(), pipeline)
    end

    -- Only defined where it is needed: wrk asks it before each write.
    function request()
        return requests
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\nBENCH {"seconds": %.6f, "requests": %d, "bytes": %.0f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
        '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
        summary.duration / 1e6, summary.requests, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        latency.max / 1e3, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
