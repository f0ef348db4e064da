// CRC-32C (Castagnoli, RFC 3720 §B.4): the checksum of every payload that is read back.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemark {

// `crc` is the value over what came before, so that pieces can be chained.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace tidemark
