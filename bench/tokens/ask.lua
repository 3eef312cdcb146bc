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

-- A token server that is loaded beyond its core refuses some requests at once; those are not answers.
function done(summary, latency)
  local refused = summary.errors.status
  local failed = summary.errors.connect + summary.errors.read + summary.errors.timeout
  local rate = (summary.requests - refused) / (summary.duration / 1e6)
  io.write(string.format("RESULT %.0f %d %d %d\n", rate, refused, failed, latency:percentile(99)))
end
