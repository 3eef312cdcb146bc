-- Every request asks for another user's token, of 8,192 users in turn. They are written down beforehand, so that asking
-- costs little beside answering.
local requests = {}
local number = 0

function init(arguments)
  wrk.headers["Authorization"] = "Bearer " .. (arguments[1] or "none")
  for user = 1, 8192 do
    requests[user] = wrk.format("GET", "/rtc/room-42/publisher/uid/" .. user .. "/")
  end
end

function request()
  number = number % #requests + 1
  return requests[number]
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %.0f %d %d\n", summary.requests / (summary.duration / 1e6), failed, latency:percentile(99)))
end
