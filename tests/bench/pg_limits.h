// What PostgreSQL does through libpq alone: the limits that ingest and reads stand beside.
//
// Tables are made anew for every measurement, in a database of the bench's own, with the payload
// EXTERNAL (bytes that are coded or sealed do not compress) and, but for the rows of samples,
// without any key or index: nothing stores the same bytes with less.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark::bench {

// How rows of (stream, number, payload) are stored.
struct StoreWay {
  enum class Kind { kCopy, kInsert };  // COPY BINARY, or a prepared INSERT in pipeline mode
  Kind kind = Kind::kCopy;
  int rows_per_commit = 1;
  int connections = 1;
  int hashes_per_row = 0;  // SHA-256 over each payload, as often as that

  // "COPY BINARY, 64 rows a commit, 2 connections"
  std::string Name() const;
};

// Seconds to store `rows` rows, payloads taken from `payloads` again and again, until the last
// commit.
absl::StatusOr<double> StoreSeconds(const std::string& dsn, const StoreWay& way,
                                    std::span<const std::string> payloads, int rows);

// For at least `duration`; called with the bytes of each commit as it returns, from any of the
// threads but never two at a time.
absl::Status StoreFor(const std::string& dsn, const StoreWay& way,
                      std::span<const std::string> payloads, absl::Duration duration,
                      const std::function<void(uint64_t bytes)>& on_commit);

// Of some ways, the one with the least time for the same rows; each is tried `turns` times, in
// turns.
absl::StatusOr<StoreWay> FastestWay(const std::string& dsn, std::span<const StoreWay> ways,
                                    std::span<const std::string> payloads, int rows, int turns);

// Seconds to store so many samples of three int16 one by one, keyed by stream and time, by COPY
// BINARY over one connection; making the rows is not counted.
absl::StatusOr<double> SampleRowSeconds(const std::string& dsn, int samples, int rows_per_commit);

// Seconds for so many prepared INSERTs of one payload, each with its commit and one after the
// other.
absl::StatusOr<double> LoneInsertSeconds(const std::string& dsn, const std::string& payload,
                                         int inserts);

// A table of plain parts to read back.
struct PlainPart {
  std::string stamps;
  std::string values;
};
absl::Status StorePlain(const std::string& dsn, std::span<const PlainPart> parts, int rows);
// Seconds to read the whole table in single-row mode, binary, in order; the bytes are looked at
// where they lie. `scan` gets the values of each row.
absl::StatusOr<double> ReadPlainSeconds(const std::string& dsn,
                                        const std::function<void(std::string_view values)>& scan);

}  // namespace tidemark::bench
