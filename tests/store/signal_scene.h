// A database with participants, streams and stored chunks, put there without ingest.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/endian.h"
#include "core/signal/samples.h"
#include "store/body.h"
#include "store/chunk_row.h"
#include "store/consent_book.h"
#include "store/declared_placements.h"
#include "store/key_store.h"
#include "store/reader_pool.h"
#include "store/segment.h"
#include "store/signal_reader.h"
#include "store/stream_catalog.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/pg_test_database.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::store {

inline constexpr int64_t kNsPerS = 1'000'000'000;
inline constexpr int64_t kStudyZeroNs = 1'790'000'000 * kNsPerS;
inline const absl::Time kNoDeadline = absl::InfiniteFuture();

// What a test says of a chunk; the rest follows.
struct StoredChunk {
  int64_t number = 0;
  BootId boot_id;
  int32_t clock_id = 0;
  int64_t first_counter = 0;
  signal::Stamps stamps;
  std::string values;   // of a sampled stream
  std::string encoded;  // of an encoded stream; its range are the two stamps
  SlotForm form = SlotForm::kBlock;
};

class SignalScene {
 public:
  SignalScene();

  struct Person {
    StudyId study_id;
    ParticipantId participant_id;
    DeviceId device_id;
  };
  // Who consented to everything, for ever.
  Person AddPerson();
  Person AddPersonWithoutConsent();
  // The next decision on one kind of data.
  void RecordConsent(const Person& person, v1::DataKind kind, bool granted, int64_t from_ns,
                     std::optional<int64_t> until_ns = std::nullopt) const;
  // Of one stream, or of all; marks no chunk.
  void EraseRange(const Person& person, StreamId stream, const signal::TimeRange& study) const;
  StreamId Declare(const Person& person, const std::string& name,
                   const v1::StreamDeclaration& declaration);
  void DeclareVersion(const Person& person, StreamId stream, int version,
                      const v1::StreamDeclaration& declaration);
  // Study time of the clock's zero.
  void AddClockPair(const Person& person, BootId boot, int32_t clock, int64_t study_of_zero_ns,
                    int64_t sensor_ns = 0);
  // One segment of chunks of one stream; returns their rows.
  std::vector<ChunkRow> AddSegment(const Person& person, StreamId stream,
                                   const std::vector<StoredChunk>& chunks, int version = 1);

  // Removes the folder of the person's keys from the disk, as if it had never been.
  void LoseKeys(const Person& person) const;

  KeyStore& keys() { return *keys_; }
  StreamCatalog& catalog() { return *catalog_; }
  PlacementSource& placements() { return *placements_; }
  SignalReader& reader() { return *reader_; }
  const support::TestDatabase& database() const { return database_; }

  const WriterId writer_ = WriterId::MakeRandom();
  std::string arrival_ = "2026-11-22 12:00:01Z";  // of the chunks that are added next
  int32_t arrival_day_ = 20'000;  // of the segments that are added next: their key is of this day

 private:
  ChunkRow InsertRow(const Person& person, const StreamInfo& stream, const StoredChunk& chunk,
                     const std::string& body, SegmentId segment, size_t slot);

  support::TestDatabase database_;
  TemporaryFolder folder_;
  std::unique_ptr<KeyStore> keys_;
  std::unique_ptr<db::Pool> pool_;
  std::unique_ptr<ReaderPool> reader_pool_;
  std::unique_ptr<StreamCatalog> catalog_;
  std::unique_ptr<ConsentBook> consent_;
  std::unique_ptr<PlacementSource> placements_;
  std::unique_ptr<SignalReader> reader_;
};

// A declaration of int16 channels "x", "y", ... at a rate of 1/period.
v1::StreamDeclaration Int16Channels(int channels, uint32_t rate_hz, double scale = 1,
                                    double offset = 0);
// Regular stamps from `first_ns` at `rate_hz`.
signal::Stamps RegularAt(int64_t first_ns, size_t count, int64_t rate_hz);
// Planar values, `value(channel, i)` each.
template <class Value>
std::string Int16Values(size_t channels, size_t count, Value&& value) {
  std::string bytes;
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < count; ++i) AppendLe(bytes, static_cast<int16_t>(value(c, i)));
  }
  return bytes;
}

}  // namespace tidemark::store
