#include "tests/bench/pg_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "tests/bench/pg_session.h"

namespace tidemark::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kBinaryFormat = 1;

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

// Network order, as COPY BINARY and binary parameters have it.
template <class Int>
void AppendBe(std::string& to, Int value) {
  for (int shift = (sizeof(Int) - 1) * 8; shift >= 0; shift -= 8) {
    to.push_back(static_cast<char>(static_cast<std::make_unsigned_t<Int>>(value) >> shift));
  }
}

template <class Int>
void AppendField(std::string& to, Int value) {
  AppendBe(to, static_cast<int32_t>(sizeof value));
  AppendBe(to, value);
}

std::string CopyHeader() {
  std::string header("PGCOPY\n\377\r\n\0", 11);
  AppendBe(header, int32_t{0});  // flags
  AppendBe(header, int32_t{0});  // length of the extension
  return header;
}

std::string CopyEnd() {
  std::string end;
  AppendBe(end, int16_t{-1});
  return end;
}

absl::Status MakeTable(const std::string& dsn, const std::string& name,
                       const std::string& columns) {
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  TM_RETURN_IF_ERROR(session.Run("set client_min_messages = warning"));
  TM_RETURN_IF_ERROR(session.Run(fmt::format("drop table if exists {}", name)));
  return session.Run(fmt::format("create table {} ({})", name, columns));
}

absl::Status MakeRawTable(const std::string& dsn) {
  TM_RETURN_IF_ERROR(MakeTable(dsn, "raw_rows",
                               "stream_id uuid not null, number int8 not null, "
                               "payload bytea not null"));
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  return session.Run("alter table raw_rows alter column payload set storage external");
}

absl::Status BeginCopy(PgSession& session, const char* table) {
  TM_RETURN_IF_ERROR(session.Run(fmt::format("copy {} from stdin (format binary)", table)));
  const std::string header = CopyHeader();
  const int sent = PQputCopyData(session.raw(), header.data(), static_cast<int>(header.size()));
  return sent == 1 ? absl::OkStatus() : session.Fault();
}

absl::Status EndCopy(PgSession& session) {
  const std::string end = CopyEnd();
  const bool sent = PQputCopyData(session.raw(), end.data(), static_cast<int>(end.size())) == 1 &&
                    PQputCopyEnd(session.raw(), nullptr) == 1;
  return sent ? session.Collect() : session.Fault();
}

// Rows into raw_rows over one connection, a commit at a time. The rows of a commit leave in one go.
class RawWriter {
 public:
  static absl::StatusOr<RawWriter> Make(const std::string& dsn, const StoreWay& way) {
    TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
    RawWriter writer(way, std::move(session));
    if (way.kind == StoreWay::Kind::kInsert) {
      TM_RETURN_IF_ERROR(writer.session_.Run(
          "prepare store (uuid, int8, bytea) as insert into raw_rows values ($1, $2, $3)"));
    }
    return writer;
  }

  // Stores `rows` payloads, from the one at `next` on, round and round; their bytes.
  absl::StatusOr<uint64_t> Commit(std::span<const std::string> payloads, size_t& next, int rows) {
    if (way_.kind == StoreWay::Kind::kCopy) return Copy(payloads, next, rows);
    return Insert(payloads, next, rows);
  }

 private:
  RawWriter(const StoreWay& way, PgSession session) : way_(way), session_(std::move(session)) {}

  const std::string& Take(std::span<const std::string> payloads, size_t& next) {
    const std::string& payload = payloads[next++ % payloads.size()];
    for (int i = 0; i < way_.hashes_per_row; ++i) hashed_ ^= Sha256(payload).front();
    return payload;
  }
  absl::StatusOr<uint64_t> Copy(std::span<const std::string> payloads, size_t& next, int rows);
  absl::StatusOr<uint64_t> Insert(std::span<const std::string> payloads, size_t& next, int rows);
  absl::Status SendInsert(const std::string& payload);

  StoreWay way_;
  PgSession session_;
  const std::string stream_ = std::string(Uuid::MakeRandom().AsBytes());
  int64_t number_ = 0;
  uint8_t hashed_ = 0;  // so that hashing has a result
};

absl::StatusOr<uint64_t> RawWriter::Copy(std::span<const std::string> payloads, size_t& next,
                                         int rows) {
  TM_RETURN_IF_ERROR(BeginCopy(session_, "raw_rows"));
  uint64_t bytes = 0;
  std::string head;
  for (int i = 0; i < rows; ++i) {
    const std::string& payload = Take(payloads, next);
    head.clear();
    AppendBe(head, int16_t{3});
    AppendBe(head, static_cast<int32_t>(stream_.size()));
    head += stream_;
    AppendField(head, number_++);
    AppendBe(head, static_cast<int32_t>(payload.size()));
    for (const std::string* part : {&std::as_const(head), &payload}) {
      if (PQputCopyData(session_.raw(), part->data(), static_cast<int>(part->size())) != 1) {
        return session_.Fault();
      }
    }
    bytes += payload.size();
  }
  TM_RETURN_IF_ERROR(EndCopy(session_));
  return bytes;
}

absl::Status RawWriter::SendInsert(const std::string& payload) {
  std::string number;
  AppendBe(number, number_++);
  const char* const values[] = {stream_.data(), number.data(), payload.data()};
  const int lengths[] = {static_cast<int>(stream_.size()), static_cast<int>(number.size()),
                         static_cast<int>(payload.size())};
  const int formats[] = {kBinaryFormat, kBinaryFormat, kBinaryFormat};
  const int sent =
      PQsendQueryPrepared(session_.raw(), "store", 3, values, lengths, formats, kBinaryFormat);
  return sent == 1 ? absl::OkStatus() : session_.Fault();
}

absl::StatusOr<uint64_t> RawWriter::Insert(std::span<const std::string> payloads, size_t& next,
                                           int rows) {
  PGconn* const raw = session_.raw();
  const auto send = [&](const char* sql) {
    return PQsendQueryParams(raw, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
  };
  if (PQenterPipelineMode(raw) != 1 || !send("begin")) return session_.Fault();
  uint64_t bytes = 0;
  for (int i = 0; i < rows; ++i) {
    const std::string& payload = Take(payloads, next);
    TM_RETURN_IF_ERROR(SendInsert(payload));
    bytes += payload.size();
  }
  if (!send("commit") || PQpipelineSync(raw) != 1) return session_.Fault();
  // Begin, the rows and commit have a result and a null each; then the sync point.
  for (int i = 0; i < rows + 2; ++i) TM_RETURN_IF_ERROR(session_.Collect());
  const PgResult sync(PQgetResult(raw));
  if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(raw) != 1) {
    return session_.Fault();
  }
  return bytes;
}

// What the connections of a way share.
struct Progress {
  std::mutex mutex;
  int rows_left = 0;  // to be taken
  SteadyClock::time_point until = SteadyClock::time_point::max();
  absl::Status status;
  const std::function<void(uint64_t)>* on_commit = nullptr;

  // Rows of the next commit, 0 at the end.
  int TakeRows(int rows_per_commit) {
    std::lock_guard lock(mutex);
    if (!status.ok() || SteadyClock::now() >= until) return 0;
    const int rows = std::min(rows_left, rows_per_commit);
    rows_left -= rows;
    return rows;
  }
  void Committed(const absl::StatusOr<uint64_t>& bytes) {
    std::lock_guard lock(mutex);
    if (!bytes.ok()) {
      status = bytes.status();
    } else if (on_commit != nullptr) {
      (*on_commit)(*bytes);
    }
  }
};

// All connections of a way until nothing is left; seconds, connecting not counted.
absl::StatusOr<double> RunWay(const std::string& dsn, const StoreWay& way,
                              std::span<const std::string> payloads, Progress& progress) {
  std::vector<RawWriter> writers;
  for (int i = 0; i < way.connections; ++i) {
    TM_ASSIGN_OR_RETURN(RawWriter writer, RawWriter::Make(dsn, way));
    writers.push_back(std::move(writer));
  }
  const auto begin = SteadyClock::now();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < writers.size(); ++i) {
    threads.emplace_back([&, i] {
      size_t next = i * payloads.size() / writers.size();
      while (const int rows = progress.TakeRows(way.rows_per_commit)) {
        progress.Committed(writers[i].Commit(payloads, next, rows));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  TM_RETURN_IF_ERROR(progress.status);
  return SecondsSince(begin);
}

// Rows of samples ------------------------------------------------------------------------------

// The rows of one commit, as COPY takes them.
std::string SampleRows(int first, int count) {
  constexpr int64_t kPeriodNs = 10'000'000;
  std::string rows;
  for (int i = first; i < first + count; ++i) {
    AppendBe(rows, int16_t{5});
    AppendField(rows, int32_t{1});
    AppendField(rows, i * kPeriodNs);
    for (int axis = 0; axis < 3; ++axis) {
      AppendField(rows, static_cast<int16_t>((i * 37 + axis * 1'009) % 16'384));
    }
  }
  return rows;
}

absl::Status CopySampleRows(PgSession& session, const std::string& rows) {
  constexpr size_t kPieceBytes = 64 * 1024;
  TM_RETURN_IF_ERROR(BeginCopy(session, "sample_rows"));
  for (size_t at = 0; at < rows.size(); at += kPieceBytes) {
    const size_t size = std::min(kPieceBytes, rows.size() - at);
    if (PQputCopyData(session.raw(), rows.data() + at, static_cast<int>(size)) != 1) {
      return session.Fault();
    }
  }
  return EndCopy(session);
}

}  // namespace

std::string StoreWay::Name() const {
  return fmt::format("{}, {} rows a commit, {} connection{}",
                     kind == Kind::kCopy ? "COPY BINARY" : "pipelined INSERT", rows_per_commit,
                     connections, connections == 1 ? "" : "s");
}

absl::StatusOr<double> StoreSeconds(const std::string& dsn, const StoreWay& way,
                                    std::span<const std::string> payloads, int rows) {
  TM_RETURN_IF_ERROR(MakeRawTable(dsn));
  Progress progress;
  progress.rows_left = rows;
  return RunWay(dsn, way, payloads, progress);
}

absl::Status StoreFor(const std::string& dsn, const StoreWay& way,
                      std::span<const std::string> payloads, absl::Duration duration,
                      const std::function<void(uint64_t bytes)>& on_commit) {
  TM_RETURN_IF_ERROR(MakeRawTable(dsn));
  Progress progress;
  progress.rows_left = std::numeric_limits<int>::max();
  progress.until = SteadyClock::now() + absl::ToChronoMicroseconds(duration);
  progress.on_commit = &on_commit;
  return RunWay(dsn, way, payloads, progress).status();
}

absl::StatusOr<StoreWay> FastestWay(const std::string& dsn, std::span<const StoreWay> ways,
                                    std::span<const std::string> payloads, int rows, int turns) {
  std::vector<double> seconds(ways.size());
  for (int turn = 0; turn < turns; ++turn) {
    for (size_t i = 0; i < ways.size(); ++i) {
      TM_ASSIGN_OR_RETURN(const double once, StoreSeconds(dsn, ways[i], payloads, rows));
      seconds[i] += once;
    }
  }
  const auto least = std::min_element(seconds.begin(), seconds.end());
  return ways[static_cast<size_t>(least - seconds.begin())];
}

absl::StatusOr<double> SampleRowSeconds(const std::string& dsn, int samples, int rows_per_commit) {
  TM_RETURN_IF_ERROR(MakeTable(dsn, "sample_rows",
                               "stream_id int4 not null, t_ns int8 not null, x int2 not null, "
                               "y int2 not null, z int2 not null, primary key (stream_id, t_ns)"));
  std::vector<std::string> commits;
  for (int first = 0; first < samples; first += rows_per_commit) {
    commits.push_back(SampleRows(first, std::min(rows_per_commit, samples - first)));
  }
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  const auto begin = SteadyClock::now();
  for (const std::string& rows : commits) TM_RETURN_IF_ERROR(CopySampleRows(session, rows));
  return SecondsSince(begin);
}

absl::StatusOr<double> LoneInsertSeconds(const std::string& dsn, const std::string& payload,
                                         int inserts) {
  TM_RETURN_IF_ERROR(MakeRawTable(dsn));
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  TM_RETURN_IF_ERROR(
      session.Run("prepare store (uuid, int8, bytea) as insert into raw_rows values ($1, $2, $3)"));
  const std::string stream(Uuid::MakeRandom().AsBytes());
  const auto begin = SteadyClock::now();
  for (int64_t i = 0; i < inserts; ++i) {
    std::string number;
    AppendBe(number, i);
    const char* const values[] = {stream.data(), number.data(), payload.data()};
    const int lengths[] = {static_cast<int>(stream.size()), static_cast<int>(number.size()),
                           static_cast<int>(payload.size())};
    const int formats[] = {kBinaryFormat, kBinaryFormat, kBinaryFormat};
    const PgResult result(
        PQexecPrepared(session.raw(), "store", 3, values, lengths, formats, kBinaryFormat));
    if (!IsGood(result.get())) return session.Fault();
  }
  return SecondsSince(begin);
}

absl::Status StorePlain(const std::string& dsn, std::span<const PlainPart> parts, int rows) {
  TM_RETURN_IF_ERROR(MakeTable(dsn, "plain_rows",
                               "number int8 primary key, stamps bytea not null, "
                               "vals bytea not null"));
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  TM_RETURN_IF_ERROR(
      session.Run("alter table plain_rows alter column stamps set storage external, "
                  "alter column vals set storage external"));
  TM_RETURN_IF_ERROR(BeginCopy(session, "plain_rows"));
  for (int64_t i = 0; i < rows; ++i) {
    const PlainPart& part = parts[static_cast<size_t>(i) % parts.size()];
    std::string row;
    AppendBe(row, int16_t{3});
    AppendField(row, i);
    for (const std::string* bytes : {&part.stamps, &part.values}) {
      AppendBe(row, static_cast<int32_t>(bytes->size()));
      row += *bytes;
    }
    if (PQputCopyData(session.raw(), row.data(), static_cast<int>(row.size())) != 1) {
      return session.Fault();
    }
  }
  return EndCopy(session);
}

absl::StatusOr<double> ReadPlainSeconds(const std::string& dsn,
                                        const std::function<void(std::string_view values)>& scan) {
  TM_ASSIGN_OR_RETURN(PgSession session, PgSession::Connect(dsn));
  PGconn* const raw = session.raw();
  const auto begin = SteadyClock::now();
  if (PQsendQueryParams(raw, "select stamps, vals from plain_rows order by number", 0, nullptr,
                        nullptr, nullptr, nullptr, kBinaryFormat) != 1 ||
      PQsetSingleRowMode(raw) != 1) {
    return session.Fault();
  }
  absl::Status status;
  while (const PgResult result{PQgetResult(raw)}) {
    if (!IsGood(result.get())) status = session.Fault();
    if (PQresultStatus(result.get()) != PGRES_SINGLE_TUPLE) continue;
    scan({PQgetvalue(result.get(), 0, 1), static_cast<size_t>(PQgetlength(result.get(), 0, 1))});
  }
  TM_RETURN_IF_ERROR(status);
  return SecondsSince(begin);
}

}  // namespace tidemark::bench
