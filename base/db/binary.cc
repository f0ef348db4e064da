// PostgreSQL's binary formats: network byte order, fixed widths, arrays with a header.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/db/pipeline.h"

namespace tidemark::db {
namespace {

// Object ids of built-in types, which never change.
constexpr int32_t kByteaOid = 17;
constexpr int32_t kInt8Oid = 20;
constexpr int32_t kInt2Oid = 21;
constexpr int32_t kInt4Oid = 23;
constexpr int32_t kTextOid = 25;
constexpr int32_t kUuidOid = 2950;
constexpr int32_t kBoolOid = 16;
constexpr int32_t kFloat8Oid = 701;
constexpr int32_t kTimestamptzOid = 1184;

// 2000-01-01, from which PostgreSQL counts, in microseconds of the Unix epoch.
constexpr int64_t kPostgresEpochUnixUs = 946'684'800'000'000;

template <class T>
T SwapToNetwork(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8)
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

template <class T>
void AppendNetwork(std::string& to, T value) {
  const T swapped = SwapToNetwork(value);
  to.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
}

// An array of one dimension without nulls; an empty one has no dimension.
void AppendArrayHeader(std::string& to, int32_t element_oid, size_t count) {
  constexpr int32_t kNoNulls = 0;
  constexpr int32_t kLowerBound = 1;
  AppendNetwork(to, int32_t{count > 0});
  AppendNetwork(to, kNoNulls);
  AppendNetwork(to, element_oid);
  if (count == 0) return;
  AppendNetwork(to, static_cast<int32_t>(count));
  AppendNetwork(to, kLowerBound);
}

void AppendElement(std::string& to, std::string_view bytes) {
  AppendNetwork(to, static_cast<int32_t>(bytes.size()));
  to.append(bytes);
}

template <class T>
void AppendIntegers(std::string& to, int32_t element_oid, std::span<const T> values) {
  AppendArrayHeader(to, element_oid, values.size());
  for (const T value : values) {
    AppendNetwork(to, static_cast<int32_t>(sizeof(T)));
    AppendNetwork(to, value);
  }
}

void AppendStrings(std::string& to, int32_t element_oid, std::span<const std::string> values) {
  AppendArrayHeader(to, element_oid, values.size());
  for (const std::string& value : values) AppendElement(to, value);
}

// The field's bytes, which must have the width of the type that is read. Expect() has said so;
// where it was not asked, going on would read foreign memory or take a NULL for a value.
const char* FieldOfWidth(const PGresult* result, int row, int column, size_t width) {
  if (PQgetlength(result, row, column) != static_cast<int>(width)) {
    std::fprintf(stderr, "column %d (%s) was read with another type than it has, or is null\n",
                 column, PQfname(result, column));
    std::abort();
  }
  return PQgetvalue(result, row, column);
}

template <class T>
T Field(const PGresult* result, int row, int column) {
  T value;
  std::memcpy(&value, FieldOfWidth(result, row, column, sizeof value), sizeof value);
  return SwapToNetwork(value);
}

}  // namespace

BinaryParams& BinaryParams::Finish(size_t offset) {
  slots_.push_back({offset, static_cast<int32_t>(buffer_.size() - offset)});
  return *this;
}

BinaryParams& BinaryParams::Add(int16_t value) {
  const size_t offset = buffer_.size();
  AppendNetwork(buffer_, value);
  return Finish(offset);
}

BinaryParams& BinaryParams::Add(int32_t value) {
  const size_t offset = buffer_.size();
  AppendNetwork(buffer_, value);
  return Finish(offset);
}

BinaryParams& BinaryParams::Add(int64_t value) {
  const size_t offset = buffer_.size();
  AppendNetwork(buffer_, value);
  return Finish(offset);
}

BinaryParams& BinaryParams::Add(bool value) {
  const size_t offset = buffer_.size();
  buffer_ += value ? '\1' : '\0';
  return Finish(offset);
}

BinaryParams& BinaryParams::Add(double value) { return Add(std::bit_cast<int64_t>(value)); }

BinaryParams& BinaryParams::Add(const Uuid& value) { return AddBytea(value.AsBytes()); }

BinaryParams& BinaryParams::AddBytea(std::string_view bytes) {
  const size_t offset = buffer_.size();
  buffer_.append(bytes);
  return Finish(offset);
}

BinaryParams& BinaryParams::AddText(std::string_view text) { return AddBytea(text); }

BinaryParams& BinaryParams::AddTimestamp(int64_t unix_us) {
  return Add(unix_us - kPostgresEpochUnixUs);
}

BinaryParams& BinaryParams::AddNull() {
  slots_.push_back({buffer_.size(), -1});
  return *this;
}

BinaryParams& BinaryParams::AddArray(std::span<const Uuid> values) {
  const size_t offset = buffer_.size();
  AppendArrayHeader(buffer_, kUuidOid, values.size());
  for (const Uuid& value : values) AppendElement(buffer_, value.AsBytes());
  return Finish(offset);
}

BinaryParams& BinaryParams::AddArray(std::span<const int64_t> values) {
  const size_t offset = buffer_.size();
  AppendIntegers(buffer_, kInt8Oid, values);
  return Finish(offset);
}

BinaryParams& BinaryParams::AddArray(std::span<const int16_t> values) {
  const size_t offset = buffer_.size();
  AppendIntegers(buffer_, kInt2Oid, values);
  return Finish(offset);
}

BinaryParams& BinaryParams::AddArray(std::span<const int32_t> values) {
  const size_t offset = buffer_.size();
  AppendIntegers(buffer_, kInt4Oid, values);
  return Finish(offset);
}

BinaryParams& BinaryParams::AddByteaArray(std::span<const std::string> values) {
  const size_t offset = buffer_.size();
  AppendStrings(buffer_, kByteaOid, values);
  return Finish(offset);
}

BinaryParams& BinaryParams::AddTextArray(std::span<const std::string> values) {
  const size_t offset = buffer_.size();
  AppendStrings(buffer_, kTextOid, values);
  return Finish(offset);
}

BinaryResult::BinaryResult(pg_result* result) : result_(result) {}

BinaryResult::BinaryResult(BinaryResult&& other) noexcept
    : result_(std::exchange(other.result_, nullptr)) {}

BinaryResult& BinaryResult::operator=(BinaryResult&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}

BinaryResult::~BinaryResult() { PQclear(result_); }

namespace internal {
namespace {

ColumnShape Only(int32_t oid) { return {{static_cast<uint32_t>(oid), static_cast<uint32_t>(oid)}}; }

}  // namespace

template <>
ColumnShape ShapeOf<bool>() {
  return Only(kBoolOid);
}
template <>
ColumnShape ShapeOf<int16_t>() {
  return Only(kInt2Oid);
}
template <>
ColumnShape ShapeOf<int32_t>() {
  return Only(kInt4Oid);
}
template <>
ColumnShape ShapeOf<int64_t>() {
  return Only(kInt8Oid);
}
template <>
ColumnShape ShapeOf<double>() {
  return Only(kFloat8Oid);
}
template <>
ColumnShape ShapeOf<Uuid>() {
  return Only(kUuidOid);
}
template <>
ColumnShape ShapeOf<std::string_view>() {
  return {{static_cast<uint32_t>(kByteaOid), static_cast<uint32_t>(kTextOid)}};
}
template <>
ColumnShape ShapeOf<Timestamp>() {
  return Only(kTimestamptzOid);
}

}  // namespace internal

absl::Status BinaryResult::Check(std::span<const internal::ColumnShape> shapes) const {
  const auto unexpected = [&](int column, const char* what) {
    return absl::InternalError(
        fmt::format("the database gave another result than expected: "
                    "column {} ({}) {}",
                    column, PQfname(result_, column), what));
  };
  const int columns = static_cast<int>(shapes.size());
  if (PQnfields(result_) != columns) {
    return absl::InternalError(
        fmt::format("the database gave another result than expected: {} columns instead of {}",
                    PQnfields(result_), columns));
  }
  for (int column = 0; column < columns; ++column) {
    const internal::ColumnShape& shape = shapes[static_cast<size_t>(column)];
    const uint32_t type = PQftype(result_, column);
    if (type != shape.types[0] && type != shape.types[1]) {
      return unexpected(column, "has another type");
    }
    if (shape.nullable) continue;
    for (int row = 0; row < rows(); ++row) {
      if (IsNull(row, column)) return unexpected(column, "is null");
    }
  }
  return absl::OkStatus();
}

int BinaryResult::rows() const { return PQntuples(result_); }

int64_t BinaryResult::affected() const { return std::atoll(PQcmdTuples(result_)); }

bool BinaryResult::IsNull(int row, int column) const {
  return PQgetisnull(result_, row, column) != 0;
}

int16_t BinaryResult::Int16(int row, int column) const {
  return Field<int16_t>(result_, row, column);
}

int32_t BinaryResult::Int32(int row, int column) const {
  return Field<int32_t>(result_, row, column);
}

int64_t BinaryResult::Int64(int row, int column) const {
  return Field<int64_t>(result_, row, column);
}

bool BinaryResult::Bool(int row, int column) const {
  return Field<int8_t>(result_, row, column) != 0;
}

double BinaryResult::Double(int row, int column) const {
  return std::bit_cast<double>(Int64(row, column));
}

Uuid BinaryResult::UuidAt(int row, int column) const {
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), FieldOfWidth(result_, row, column, 16), 16);
  return uuid;
}

std::string_view BinaryResult::Bytes(int row, int column) const {
  return {PQgetvalue(result_, row, column), static_cast<size_t>(PQgetlength(result_, row, column))};
}

int64_t BinaryResult::TimestampUs(int row, int column) const {
  return Int64(row, column) + kPostgresEpochUnixUs;
}

}  // namespace tidemark::db
