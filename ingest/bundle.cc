#include "ingest/bundle.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/endian.h"

namespace tidemark::ingest {

bool BundleWriter::TryAdd(const v1::ChunkEnvelope& envelope) {
  const size_t size = envelope.ByteSizeLong();
  const size_t bytes_after = bytes_.size() + sizeof(uint32_t) + size;
  if (entries_ >= kBundleEntriesMax || bytes_after > kBundleBytesMax) return false;
  AppendLe(bytes_, static_cast<uint32_t>(size));
  envelope.AppendToString(&bytes_);
  ++entries_;
  return true;
}

std::string BundleWriter::Take() {
  entries_ = 0;
  return std::exchange(bytes_, std::string(kBundleMagic));
}

absl::StatusOr<Bundle> ParseBundle(std::string_view bytes) {
  if (bytes.size() > kBundleBytesMax) {
    return absl::InvalidArgumentError("bundle: has at most 8 MiB");
  }
  const size_t magic_bytes = std::min(bytes.size(), kBundleMagic.size());
  if (bytes.substr(0, magic_bytes) != kBundleMagic.substr(0, magic_bytes)) {
    return absl::InvalidArgumentError("bundle: begins with TMB1");
  }
  Bundle bundle;
  bundle.truncated = magic_bytes < kBundleMagic.size();
  bytes.remove_prefix(magic_bytes);
  while (!bytes.empty()) {
    ByteReader reader(bytes);
    const uint32_t size = reader.Read<uint32_t>();
    const std::string_view entry = reader.ReadBytes(size);
    if (!reader.ok()) {
      bundle.truncated = true;
      break;
    }
    if (bundle.envelopes.size() == kBundleEntriesMax) {
      return absl::InvalidArgumentError("bundle: has at most 4096 entries");
    }
    v1::ChunkEnvelope& envelope = bundle.envelopes.emplace_back();
    if (!envelope.ParseFromArray(entry.data(), static_cast<int>(entry.size()))) envelope.Clear();
    bytes = reader.rest();
  }
  return bundle;
}

}  // namespace tidemark::ingest
