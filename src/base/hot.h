// Marks for the few functions on the path of every packet.
#pragma once

// Inlined wherever it is called: its results are structures that would otherwise pass through memory, written
// in 8-octet pieces and read back in 16-octet ones, which stalls the processor's store forwarding for a dozen
// cycles.
#define YONROKU_HOT_INLINE [[gnu::always_inline]] inline
// The same for a lambda: [&](int x) YONROKU_HOT_LAMBDA { … }
#define YONROKU_HOT_LAMBDA __attribute__((always_inline))
// Kept out of the way of what is on that path.
#define YONROKU_COLD [[gnu::cold, gnu::noinline]]
