-- Builds trees of tables, closures and strings, walks them, drops them.
-- Argument: how many rounds.
local function build(depth)
	if depth == 0 then
		return { name = "leaf", value = depth }
	end
	return { left = build(depth - 1), right = build(depth - 1) }
end

local function count(tree)
	return tree.left and count(tree.left) + count(tree.right) or 1
end

local total, names = 0, {}
for round = 1, tonumber(arg[1]) do
	total = total + count(build(15))
	for i = 1, 30000 do
		names[i] = "name " .. i * round
	end
	table.sort(names)
end
print(total, #names, names[1])
