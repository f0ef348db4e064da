// Minimum and maximum over the finite ones of a run of values of one channel.
#pragma once

#include <cstddef>

#include "core/signal/tiles.h"

namespace tidemark::signal {

// `values` holds `count` little-endian values of `type`, at any alignment. Runs of
// kSamplesPerBucket are fastest.
Extremes ExtremesOf(SampleType type, const char* values, size_t count);

}  // namespace tidemark::signal
