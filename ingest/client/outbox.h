// A device's outbox: chunks that were recorded and whose receipt has not let them go yet.
//
//   FOLDER/lock                                  held while the outbox is open
//   FOLDER/reserve                               space to empty a full disk with
//   FOLDER/streams.json                          names, ids, declarations and current writers
//   FOLDER/<stream>/<writer>/<number>.chunk      one body: "TMC1", its SHA-256, the bytes
//   FOLDER/<stream>/<writer>/<number>.settled    empty: the newest number, after its body went
//   FOLDER/kept/<stream>/<writer>/<number>.chunk a body the server can never accept as it is
//   FOLDER/kept/<stream>/<writer>/<number>.reason and why
//
// Opening reads names and sizes and rebuilds everything from them. A crash at any point leaves
// every chunk that Append() reported, never a hole in the numbers, and never a number used twice:
// the newest number of a writer always has a file, and a number counts as used only once that file
// is on disk. Removals are not synced, so a body may come back after a crash: it is sent again and
// answered DUPLICATE.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "ingest/client/disk_reserve.h"
#include "ingest/client/durable_file.h"
#include "ingest/wire_limits.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::ingest {

// Key of a chunk within its device.
struct ChunkRef {
  StreamId stream_id;
  WriterId writer_id;
  uint64_t number = 0;
  friend auto operator<=>(const ChunkRef&, const ChunkRef&) = default;
};

struct ChunkBytes {
  Sha256Digest sha256{};
  std::string body;
};

// A stream as the outbox knows it. Version v is declarations[v - 1].
struct OutboxStream {
  StreamId stream_id;
  std::string name;
  WriterId writer_id;    // that numbers new chunks
  bool stopped = false;  // the server said that it must not record any more
  std::vector<v1::StreamDeclaration> declarations;
};

// The numbers of one writer: all below `next` were used once.
struct OutboxWriter {
  StreamId stream_id;
  WriterId writer_id;
  uint64_t next = 0;
  std::vector<uint64_t> pending;  // ascending
};

// What emptying a full disk takes: receipts of some chunks at a time, tombstones, streams.json.
inline constexpr uint64_t kDiskReserveBytes = uint64_t{256} << 10;

struct OutboxLimits {
  size_t pending_chunks_max = 1'000'000;
  uint64_t pending_bytes_max = uint64_t{64} << 30;
  uint64_t reserve_bytes = kDiskReserveBytes;
};

// Thread-safe: recording and uploading may go on at the same time.
class Outbox {
 public:
  using MakeBody = std::function<std::string(const WriterId&, uint64_t number)>;

  // Makes the folder if there is none.
  //   FAILED_PRECONDITION  another process has it open
  //   RESOURCE_EXHAUSTED   more chunks than limits.pending_chunks_max
  //   DATA_LOSS            streams.json cannot be understood
  static absl::StatusOr<std::unique_ptr<Outbox>> Open(const std::filesystem::path& folder,
                                                      OutboxLimits limits = {});

  // The stream of that name, and the version of `declaration`: the newest one that is equal to it,
  // else a new one. Durable on return; the first call makes the stream's id.
  struct Declared {
    StreamId stream_id;
    uint32_t version = 0;
  };
  absl::StatusOr<Declared> DeclareStream(const std::string& name,
                                         const v1::StreamDeclaration& declaration)
      TM_EXCLUDES(mutex_);
  std::vector<OutboxStream> Streams() const TM_EXCLUDES(mutex_);

  // Writes the body that `make_body` builds for the next number; durable on return.
  //   FAILED_PRECONDITION  the stream was stopped, or never declared
  //   INVALID_ARGUMENT     the body is empty or larger than kBodyBytesMax
  //   RESOURCE_EXHAUSTED   the outbox or the disk is full; the number is not used, and what was
  //                        taken before stays. The disk counts as full while the reserve is gone.
  absl::StatusOr<ChunkRef> Append(const StreamId& stream_id, const MakeBody& make_body)
      TM_EXCLUDES(mutex_);
  // The same under a writer of the caller's choice, whose numbers nothing else uses.
  absl::StatusOr<ChunkRef> Append(const StreamId& stream_id, const WriterId& writer_id,
                                  const MakeBody& make_body) TM_EXCLUDES(mutex_);
  // The number that the next chunk of this writer gets: 0 if it never wrote one here.
  uint64_t NextNumber(const StreamId& stream_id, const WriterId& writer_id) const
      TM_EXCLUDES(mutex_);

  // What waits for a receipt: streams of records first (clock pairs place everything else), then
  // by stream, writer and number.
  std::vector<ChunkRef> Pending() const TM_EXCLUDES(mutex_);
  size_t pending_chunks() const TM_EXCLUDES(mutex_);
  uint64_t pending_bytes() const TM_EXCLUDES(mutex_);
  std::vector<OutboxWriter> Writers() const TM_EXCLUDES(mutex_);

  // DATA_LOSS when the file is not what was written; NOT_FOUND when it is gone.
  absl::StatusOr<ChunkBytes> Read(const ChunkRef& ref) const;

  // Removes bodies. Call only with a receipt that allows it, already in the ledger.
  absl::Status Delete(std::span<const ChunkRef> refs) TM_EXCLUDES(mutex_);
  // Moves a body, damaged or not, out of the way for good, with the reason beside it.
  absl::Status Keep(const ChunkRef& ref, std::string_view reason) TM_EXCLUDES(mutex_);

  // Does `write`, which makes room in the end: keeps receipts, say, whose bodies may go then. If
  // the disk is full, the reserve is given up for it, and nothing is recorded meanwhile. `write`
  // may run twice and must not call this outbox. Delete(), Keep() and whatever else an answer of
  // the server asks for do the same by themselves.
  absl::Status WriteFromReserve(const std::function<absl::Status()>& write) TM_EXCLUDES(mutex_);
  // Sets the reserve aside again, if it is gone and the disk has room for it.
  void RestoreReserve() TM_EXCLUDES(mutex_);

  // Chunks to come are numbered from 0 by a new writer; pending ones stay as they are. For an
  // outbox that finds that its numbers were used by a later life of itself.
  absl::Status StartNewWriter(const StreamId& stream_id) TM_EXCLUDES(mutex_);
  // Whether no chunk of the same stream and writer was recorded after this one.
  bool IsNewest(const ChunkRef& ref) const TM_EXCLUDES(mutex_);
  // Refuses chunks to come; pending ones stay, each for its own receipt.
  absl::Status StopStream(const StreamId& stream_id) TM_EXCLUDES(mutex_);

  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct Writer {
    uint64_t next = 0;
    std::map<uint64_t, uint32_t> pending;  // number -> bytes of the file
  };
  using WriterKey = std::pair<StreamId, WriterId>;

  Outbox(std::filesystem::path folder, OutboxLimits limits, FileLock lock)
      : folder_(std::move(folder)),
        limits_(limits),
        lock_(std::move(lock)),
        reserve_(folder_ / "reserve", limits.reserve_bytes) {}

  absl::Status Load() TM_EXCLUDES(mutex_);
  absl::Status LoadStreams() TM_REQUIRES(mutex_);
  absl::Status SaveStreams() TM_REQUIRES(mutex_);
  absl::Status ScanStream(const StreamId& stream_id) TM_REQUIRES(mutex_);
  absl::Status ScanWriter(const StreamId& stream_id, const WriterId& writer_id) TM_REQUIRES(mutex_);
  OutboxStream* FindStream(const StreamId& stream_id) TM_REQUIRES(mutex_);
  // INVALID_ARGUMENT, RESOURCE_EXHAUSTED: see Append.
  absl::Status CheckRoom(const std::string& body) const TM_REQUIRES(mutex_);
  // `file_bytes` were to be written.
  absl::Status DiskFull(size_t file_bytes) const;
  absl::Status WriteWithReserve(const std::function<absl::Status()>& write) TM_REQUIRES(mutex_);
  // Keeps the newest number on disk before its body goes.
  absl::Status LeaveTombstone(const ChunkRef& ref) TM_REQUIRES(mutex_);
  absl::Status MoveToKept(const ChunkRef& ref, std::string_view reason) TM_REQUIRES(mutex_);
  void Forget(const ChunkRef& ref) TM_REQUIRES(mutex_);

  std::filesystem::path WriterFolder(const StreamId& stream_id, const WriterId& writer_id) const;
  std::filesystem::path PathOf(const ChunkRef& ref, std::string_view suffix) const;

  const std::filesystem::path folder_;
  const OutboxLimits limits_;
  FileLock lock_;
  mutable Mutex mutex_;
  DiskReserve reserve_ TM_GUARDED_BY(mutex_);
  std::vector<OutboxStream> streams_ TM_GUARDED_BY(mutex_);
  std::map<WriterKey, Writer> writers_ TM_GUARDED_BY(mutex_);
  size_t pending_chunks_ TM_GUARDED_BY(mutex_) = 0;
  uint64_t pending_bytes_ TM_GUARDED_BY(mutex_) = 0;
};

}  // namespace tidemark::ingest
