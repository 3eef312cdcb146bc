-- Every request asks for another user's token.
local number = 0

function init(arguments)
  wrk.headers["Authorization"] = "Bearer " .. (arguments[1] or "none")
end

function request()
  number = number + 1
  return wrk.format("GET", "/rtc/room-42/publisher/uid/" .. number .. "/")
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %.0f %d %d\n", summary.requests / (summary.duration / 1e6), failed, latency:percentile(99)))
end
