// The stored form of one channel: whichever coder its values call for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/endian.h"
#include "core/signal/codec.h"

namespace tidemark::signal {

// `values` holds whole values of `type`, at any alignment. Appends a form that says its coder and
// ends by itself, given the number of values.
void EncodeChannel(SampleType type, std::string_view values, Effort effort, std::string& to);
// The inverse: writes `count` values. False on anything EncodeChannel cannot have written for
// `type`.
[[nodiscard]] bool DecodeChannel(SampleType type, ByteReader& from, size_t count, char* values);

}  // namespace tidemark::signal
