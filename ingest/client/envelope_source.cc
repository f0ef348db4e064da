#include "ingest/client/envelope_source.h"

#include <zstd.h>

#include <string>
#include <utility>

namespace tidemark::ingest {
namespace {

constexpr int kZstdLevel = 1;

// Compressed only where it helps: audio and the like travel as they are.
v1::ChunkEnvelope MakeEnvelope(ChunkBytes chunk, bool compress) {
  v1::ChunkEnvelope envelope;
  envelope.set_uncompressed_size(static_cast<uint32_t>(chunk.body.size()));
  envelope.set_sha256(std::string(AsView(chunk.sha256)));
  if (compress) {
    std::string packed(ZSTD_compressBound(chunk.body.size()), '\0');
    const size_t size = ZSTD_compress(packed.data(), packed.size(), chunk.body.data(),
                                      chunk.body.size(), kZstdLevel);
    if (ZSTD_isError(size) == 0 && size < chunk.body.size()) {
      packed.resize(size);
      envelope.set_compression(v1::COMPRESSION_ZSTD);
      envelope.set_body(std::move(packed));
      return envelope;
    }
  }
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_body(std::move(chunk.body));
  return envelope;
}

}  // namespace

EnvelopeSource::~EnvelopeSource() {
  if (next_) queue_.PutBack(next_->ref);
}

const PreparedChunk* EnvelopeSource::Peek() {
  while (!next_) {
    const auto ref = queue_.Take(clock_.Now());
    if (!ref) return nullptr;
    auto chunk = outbox_.Read(*ref);
    if (absl::IsNotFound(chunk.status())) continue;  // settled by an earlier answer
    absl::Status unreadable = chunk.status();
    if (absl::IsDataLoss(unreadable)) {
      unreadable = desk_.KeepDamaged(*ref, std::string(unreadable.message()));
      if (unreadable.ok()) continue;
    }
    if (!unreadable.ok()) {
      queue_.PassOver(std::move(unreadable));
      continue;
    }
    const Sha256Digest sha256 = chunk->sha256;
    const size_t body_bytes = chunk->body.size();
    next_ = PreparedChunk{*ref, sha256, body_bytes, MakeEnvelope(*std::move(chunk), compress_)};
  }
  return &*next_;
}

PreparedChunk EnvelopeSource::Take() {
  PreparedChunk chunk = *std::exchange(next_, std::nullopt);
  queue_.Sent(chunk.ref, chunk.sha256, chunk.body_bytes);
  desk_.CountSent(chunk.envelope.ByteSizeLong());
  return chunk;
}

}  // namespace tidemark::ingest
