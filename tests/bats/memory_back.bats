# SPDX-License-Identifier: MIT
# What a program has freed goes back to the kernel, in time.

load checks

@test "what was freed goes back while the program allocates and frees a little" {
	holds_pooled fall batch
}

@test "what was freed goes back while one small object comes and goes" {
	holds_pooled fall pair
}

@test "what was freed goes back while all other requests are large ones" {
	holds_pooled fall large
}
