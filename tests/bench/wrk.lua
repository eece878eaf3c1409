-- Sends the raw requests of a file, each thread its share, each once; prints its results as JSON.
-- Arguments: the file; how many threads share it; milliseconds between two requests of a connection;
-- whether to end when all are answered, which needs one thread, or to begin again.
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int, int);")
local INTERRUPT, NEVER, started = 2, 3600 * 1000, 0

function setup(thread)
  thread:set("place", started)
  started = started + 1
end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local threads, number = tonumber(arguments[2]), 0
  verified = place ~= 0
  pause, ends, requests, sent = tonumber(arguments[3]), arguments[4] == "True", {}, 0
  if ends then response, answered = count, 0 end
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    local text = file:read(length)
    if number % threads == place then requests[#requests + 1] = text end
    number = number + 1
  end
  file:close()
  assert(#requests > 0, "fewer requests than threads: connections would stay silent")
end

function request()
  if not verified then -- wrk checks the first thread's first request and does not send it
    verified = true
    return requests[1]
  end
  sent = sent + 1
  if ends and sent > #requests then return "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" end
  return requests[(sent - 1) % #requests + 1]
end

-- Called before each request; a connection may be here before the last request was sent.
function delay()
  if ends and sent >= #requests then return NEVER end
  return pause > 0 and math.floor(-math.log(1 - math.random()) * pause) or 0
end

-- wrk itself sleeps until its time is over or it is interrupted.
function count()
  answered = answered + 1
  if sent >= #requests and answered == sent then ffi.C.kill(ffi.C.getpid(), INTERRUPT) end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50": %f, "p99": %f, "max": %f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
