// libpq's binary and pipeline calls, for payloads: libpqxx 6 can neither send nor receive binary.
//
// One connection, one thread. Not for general queries: those go through db::Pool. Every wait for
// the server ends: the statement timeout plus a margin after the last sign of life, the connection
// is given up.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/statement.h"
#include "base/ids.h"

struct pg_result;

namespace tidemark::db {
namespace internal {
class PqChannel;
}

// Parameters of one statement, in PostgreSQL's binary format, in the order of $1, $2, ...
class BinaryParams {
 public:
  BinaryParams& Add(int16_t value);
  BinaryParams& Add(int32_t value);
  BinaryParams& Add(int64_t value);
  BinaryParams& Add(bool value);
  BinaryParams& Add(double value);
  BinaryParams& Add(const Uuid& value);
  BinaryParams& Add(const char*) = delete;  // would be a bool: say AddText
  template <class Tag>
  BinaryParams& Add(const Id<Tag>& id) {
    return Add(id.uuid);
  }
  BinaryParams& AddBytea(std::string_view bytes);
  BinaryParams& AddText(std::string_view text);  // must be valid UTF-8 without NUL
  // Microseconds of the Unix epoch; PostgreSQL counts from 2000.
  BinaryParams& AddTimestamp(int64_t unix_us);
  BinaryParams& AddNull();
  // Arrays: uuid[], int8[], int2[], int4[], bytea[] and text[].
  BinaryParams& AddArray(std::span<const Uuid> values);
  BinaryParams& AddArray(std::span<const int64_t> values);
  BinaryParams& AddArray(std::span<const int16_t> values);
  BinaryParams& AddArray(std::span<const int32_t> values);
  BinaryParams& AddByteaArray(std::span<const std::string> values);
  BinaryParams& AddTextArray(std::span<const std::string> values);

  size_t size() const { return slots_.size(); }
  size_t bytes() const { return buffer_.size(); }

 private:
  friend class PipelineConnection;
  struct Slot {
    size_t offset;
    int32_t length;  // -1: null
  };
  BinaryParams& Finish(size_t offset);
  std::string buffer_;
  std::vector<Slot> slots_;
};

// Stands for timestamptz in BinaryResult::Expect.
struct Timestamp {};

namespace internal {

struct ColumnShape {
  std::array<uint32_t, 2> types;  // object ids in pg_type, either of which will do
  bool nullable = false;
};

template <class T>
ColumnShape ShapeOf();
template <>
ColumnShape ShapeOf<bool>();
template <>
ColumnShape ShapeOf<int16_t>();
template <>
ColumnShape ShapeOf<int32_t>();
template <>
ColumnShape ShapeOf<int64_t>();
template <>
ColumnShape ShapeOf<double>();
template <>
ColumnShape ShapeOf<Uuid>();
template <>
ColumnShape ShapeOf<std::string_view>();
template <>
ColumnShape ShapeOf<Timestamp>();

template <class T>
struct Column {
  static ColumnShape Shape() { return ShapeOf<T>(); }
};
template <class T>
struct Column<std::optional<T>> {
  static ColumnShape Shape() { return {ShapeOf<T>().types, true}; }
};

}  // namespace internal

// A binary result set. The accessors read the format of the type they name. Whoever reads calls
// Expect first: reading a column of another width without it, or NULL as anything but Bytes (which
// is then empty), is a mistake in the code and ends the process.
class BinaryResult {
 public:
  explicit BinaryResult(pg_result* result);
  BinaryResult(BinaryResult&&) noexcept;
  BinaryResult& operator=(BinaryResult&&) noexcept;
  ~BinaryResult();

  // Whether the columns have exactly these types (string_view for bytea and text) and hold no NULL
  // but where it is optional: then reading them so cannot fail. A schema that is not the one the
  // code was written for becomes the status of a call.
  //   INTERNAL  says which column
  template <class... Columns>
  absl::Status Expect() const {
    const internal::ColumnShape shapes[] = {internal::Column<Columns>::Shape()...};
    return Check(shapes);
  }

  int rows() const;
  int64_t affected() const;  // rows inserted, updated or deleted
  bool IsNull(int row, int column) const;
  int16_t Int16(int row, int column) const;
  int32_t Int32(int row, int column) const;
  int64_t Int64(int row, int column) const;
  bool Bool(int row, int column) const;
  double Double(int row, int column) const;
  Uuid UuidAt(int row, int column) const;
  std::string_view Bytes(int row, int column) const;  // bytea or text; valid while this lives
  int64_t TimestampUs(int row, int column) const;     // microseconds of the Unix epoch

 private:
  absl::Status Check(std::span<const internal::ColumnShape> shapes) const;

  pg_result* result_;
};

class PipelineConnection {
 public:
  struct Options {
    std::string dsn;
    std::string application_name = "tidemark";
    int64_t statement_timeout_ms = 30'000;
    absl::Time connect_deadline = absl::InfiniteFuture();     // as in SessionOptions
    std::vector<std::span<const Statement>> statements = {};  // prepared at connect
  };
  //   UNAVAILABLE       the database cannot be reached
  //   INVALID_ARGUMENT  `dsn` is malformed, or the statement timeout is not positive
  //   INTERNAL          a statement does not prepare
  static absl::StatusOr<std::unique_ptr<PipelineConnection>> Connect(const Options& options);
  ~PipelineConnection();

  struct Step {
    const Statement* statement;
    const BinaryParams* params;
  };

  // Runs plain SQL without parameters (BEGIN, SET LOCAL, SAVEPOINT ...), not pipelined.
  absl::Status Run(std::string_view sql, const char* name);

  // Sends `begin_sql` (BEGIN and SET LOCAL in one string), every step, and COMMIT in one pipeline
  // and collects one result per step, in order. On the first error everything is rolled back and
  // its status is returned, with the index of the step that failed in `failed_step` (steps.size()
  // if BEGIN or COMMIT failed). If the connection dies after COMMIT was sent: UNKNOWN.
  //
  // `begin_sql` is cut at its semicolons, one message each: no literal in it may contain one, as
  // holds for BEGIN and what AccessScope::ToSql() writes.
  absl::StatusOr<std::vector<BinaryResult>> RunTransaction(std::string_view begin_sql,
                                                           std::span<const Step> steps,
                                                           size_t* failed_step = nullptr);

  // One statement, not pipelined, inside or outside a transaction.
  absl::StatusOr<BinaryResult> Execute(const Statement& statement, const BinaryParams& params);

  // One statement in single-row mode: `row` is called for each row as it arrives; its error ends
  // the query. For reads of many payloads with bounded memory.
  absl::Status Stream(const Statement& statement, const BinaryParams& params,
                      absl::FunctionRef<absl::Status(const BinaryResult& row)> row);

  // False after a connection error: drop the object and connect anew.
  bool healthy() const;

 private:
  explicit PipelineConnection(std::unique_ptr<internal::PqChannel> channel);

  absl::Status Prepare(const Statement& statement);
  bool SendPrepared(const Statement& statement, const BinaryParams& params);
  absl::Status SendTransaction(std::span<const std::string> begin, std::span<const Step> steps);
  absl::Status ReceiveTransaction(size_t begin_count, std::span<const Step> steps,
                                  std::vector<BinaryResult>* results, size_t* failed_message);
  void LeavePipeline();
  void CancelAndDrain();

  std::unique_ptr<internal::PqChannel> channel_;
};

}  // namespace tidemark::db
