-- Load for wrk: random aligned ranges of one file. The figures come out as one line of JSON.
local file_bytes = tonumber(os.getenv("FILE_BYTES"))
local range_bytes = tonumber(os.getenv("RANGE_BYTES"))
local count = math.floor(file_bytes / range_bytes)

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1"))
end

function request()
  local first = math.random(0, count - 1) * range_bytes
  wrk.headers["Range"] = string.format("bytes=%d-%d", first, first + range_bytes - 1)
  return wrk.format("GET")
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"bytes":%d,"microseconds":%d,"errors":%d,"p50Ms":%.3f,"p95Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.bytes, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
