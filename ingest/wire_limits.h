// Limits of what devices and servers say to each other, in one place for both. They stand in
// proto/tidemark/v1 and docs/upload.md, and GetServerInfo says those that a server may lower.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemark::ingest {

// A chunk: its body, and what may be in it.
inline constexpr size_t kBodyBytesMax = size_t{1} << 20;
inline constexpr size_t kSamplesPerChunkMax = 65'536;
inline constexpr int kRecordsPerChunkMax = 4'096;
inline constexpr uint32_t kClockIdEnd = 65'536;
inline constexpr int64_t kNumberEnd = int64_t{1} << 62;

// The Upload stream: its opening, its messages, what may be sent and not yet answered. A message
// with a single envelope may be larger than kChunkMessageBytesMax.
inline constexpr int kStreamsPerOpenMax = 256;
inline constexpr size_t kChunksPerMessageMax = 256;
inline constexpr size_t kChunkMessageBytesMax = size_t{1} << 20;
inline constexpr uint32_t kChunksInFlightMax = 64;

// A bundle of PutChunks.
inline constexpr size_t kBundleBytesMax = size_t{8} << 20;
inline constexpr size_t kBundleEntriesMax = 4'096;

// A message of receipts: more statements than any server sends.
inline constexpr int kReceiptStatementsMax = 4'096;

// GetUploadState and AbandonRange.
inline constexpr int kRangesPerListMax = 1'000;
inline constexpr uint64_t kAbandonedAtOnceMax = uint64_t{1} << 20;
inline constexpr size_t kAbandonReasonBytesMax = 256;

}  // namespace tidemark::ingest
