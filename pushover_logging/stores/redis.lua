-- Does what only the sender may do: nothing happens unless the lease has this sender's token.
-- KEYS: lease, state, seen, stream
-- ARGV: token, milliseconds of the lease, what to do, arguments
-- Returns 1, or 0 if another process is the sender.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end

if ARGV[3] == 'release' then
    redis.call('DEL', KEYS[1])
    return 1
end

redis.call('PEXPIRE', KEYS[1], ARGV[2])

if ARGV[3] == 'commit' then
    -- Five lists, each after its length: keys and values of the state, keys to delete, sources
    -- and their ranges, sources to forget, and ids of the stream.
    local position = 4
    local function list()
        local last = position + tonumber(ARGV[position])
        local items = {}
        for index = position + 1, last do
            items[#items + 1] = ARGV[index]
        end
        position = last + 1
        return items
    end
    local changed, deleted, seen, ended, ids = list(), list(), list(), list(), list()
    for index = 1, #changed, 2 do
        redis.call('HSET', KEYS[2], changed[index], changed[index + 1])
    end
    for _, key in ipairs(deleted) do
        redis.call('HDEL', KEYS[2], key)
    end
    for index = 1, #seen, 2 do
        redis.call('HSET', KEYS[3], seen[index], seen[index + 1])
    end
    for _, source in ipairs(ended) do
        redis.call('HDEL', KEYS[3], source)
    end
    for _, id in ipairs(ids) do
        redis.call('XDEL', KEYS[4], id)
    end
end
return 1
