// From exceptions of libpqxx and SQLSTATEs of libpq to statuses: the only such place.
#pragma once

#include <exception>
#include <string_view>

#include "absl/status/status.h"

namespace tidemark::db {

// The exception being handled; call inside a catch block only. `name` says which transaction or
// statement; parameters never enter a message.
absl::Status StatusOfCurrentException(std::string_view name);

// The same ladder for libpq: by SQLSTATE, and UNAVAILABLE for an empty one (connection lost).
absl::Status StatusOfSqlstate(std::string_view sqlstate, std::string_view name,
                              std::string_view message);

// The SQLSTATE a status of this file was made from ("" if none), kept as a payload; valid while the
// status lives.
std::string_view SqlstateOf(const absl::Status& status);

// True for statuses after which the connection must be dropped.
bool ConnectionIsLost(const absl::Status& status);

}  // namespace tidemark::db
