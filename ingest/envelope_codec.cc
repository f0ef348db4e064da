#include "ingest/envelope_codec.h"

#include <zlib.h>
#include <zstd.h>

#include <memory>
#include <utility>

#include "base/crypto.h"
#include "ingest/chunk.h"

namespace tidemark::ingest {
namespace {

OpenedBody Broken(v1::ReceiptReason reason) { return {reason, ""}; }

bool IsKnown(v1::Compression compression) {
  return compression != v1::COMPRESSION_UNSPECIFIED && v1::Compression_IsValid(compression);
}

std::optional<std::string> Decompress(v1::ChunkEnvelope& envelope) {
  const size_t size = envelope.uncompressed_size();
  switch (envelope.compression()) {
    case v1::COMPRESSION_ZSTD:
      return DecompressZstd(envelope.body(), size);
    case v1::COMPRESSION_GZIP:
      return DecompressGzip(envelope.body(), size);
    default:
      break;
  }
  if (envelope.body().size() != size) return std::nullopt;
  return std::move(*envelope.mutable_body());
}

}  // namespace

OpenedBody OpenBody(v1::ChunkEnvelope& envelope) {
  if (!IsKnown(envelope.compression())) return Broken(v1::RECEIPT_REASON_COMPRESSION_UNKNOWN);
  if (envelope.sha256().size() != sizeof(Sha256Digest)) {
    return Broken(v1::RECEIPT_REASON_HASH_MALFORMED);
  }
  const size_t size = envelope.uncompressed_size();
  if (size == 0 || size > kBodyBytesMax) return Broken(v1::RECEIPT_REASON_BODY_SIZE);
  std::optional<std::string> body = Decompress(envelope);
  if (!body) return Broken(v1::RECEIPT_REASON_SIZE_MISMATCH);
  if (AsView(Sha256(*body)) != envelope.sha256()) {
    return Broken(v1::RECEIPT_REASON_HASH_MISMATCH);
  }
  return {std::nullopt, *std::move(body)};
}

// The output buffer bounds the memory; a frame that would give more fails. The decoder's window is
// that buffer, because the frame is decoded in one call.
std::optional<std::string> DecompressZstd(std::string_view compressed, size_t size) {
  const size_t frame = ZSTD_findFrameCompressedSize(compressed.data(), compressed.size());
  if (ZSTD_isError(frame) || frame != compressed.size()) return std::nullopt;
  std::string body(size, '\0');
  const size_t written =
      ZSTD_decompress(body.data(), body.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(written) || written != size) return std::nullopt;
  return body;
}

std::optional<std::string> DecompressGzip(std::string_view compressed, size_t size) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  std::string body(size, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(body.data());
  stream.avail_out = static_cast<uInt>(size);
  // Z_STREAM_END only when the member fitted and its checksum and length were right.
  if (inflate(&stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;
  if (stream.avail_out != 0 || stream.avail_in != 0) return std::nullopt;
  return body;
}

}  // namespace tidemark::ingest
