// The first steps of admission: from an envelope to the body that its device hashed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tidemark/v1/chunk.pb.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

struct OpenedBody {
  // Set when the envelope breaks a rule; `body` is empty then.
  std::optional<v1::ReceiptReason> broken;
  std::string body;
};
// Checks, in this order: compression known, 32 bytes of hash, declared size, decompression to
// exactly that size, hash. Takes the body out of `envelope`. Never holds more than the declared
// size, whatever the compressed bytes would expand to.
OpenedBody OpenBody(v1::ChunkEnvelope& envelope);

// Exactly `size` bytes from one zstd frame or one gzip member without anything after it; nothing if
// the input is anything else.
std::optional<std::string> DecompressZstd(std::string_view compressed, size_t size);
std::optional<std::string> DecompressGzip(std::string_view compressed, size_t size);

}  // namespace tidemark::ingest
