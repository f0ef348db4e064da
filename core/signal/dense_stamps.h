// The stamps of several blocks in the dense form.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/endian.h"
#include "core/signal/stamps.h"

namespace tidemark::signal {

// At least one block.
void AppendDenseStamps(std::span<const Stamps* const> blocks, std::string& to);
// False on anything AppendDenseStamps cannot have written, or more than `count_max` stamps.
[[nodiscard]] bool ReadDenseStamps(ByteReader& from, size_t count_max, std::vector<Stamps>& blocks);

}  // namespace tidemark::signal
