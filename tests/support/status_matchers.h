// GoogleTest matchers for absl::Status and absl::StatusOr.
//
//   EXPECT_THAT(store.Put(chunk), IsOk());
//   EXPECT_THAT(Parse("7"), IsOkAndHolds(7));
//   EXPECT_THAT(Parse("x"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("digit")));
//   TM_ASSERT_OK_AND_ASSIGN(const int seven, Parse("7"));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::support {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// The message as a std::string: the distribution's absl::string_view is a type of its own.
inline std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return arg.ok();
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds the expected value") {
  if (!arg.ok()) {
    *result_listener << StatusOf(arg).ToString();
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

MATCHER_P(StatusIs, code, "has status code " + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message,
           "has status code " + absl::StatusCodeToString(code) + " and the expected message") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::ExplainMatchResult(message, MessageOf(StatusOf(arg)), result_listener);
}

}  // namespace tidemark::support

// Declares `lhs` from the value of a StatusOr, or fails the test with its status.
#define TM_ASSERT_OK_AND_ASSIGN(lhs, expr) \
  TM_ASSERT_OK_AND_ASSIGN_IMPL_(TM_TEST_CONCAT_(tm_status_or_, __LINE__), lhs, expr)
#define TM_ASSERT_OK_AND_ASSIGN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  ASSERT_TRUE(tmp.ok()) << tmp.status().ToString();   \
  lhs = *std::move(tmp)
#define TM_TEST_CONCAT_(a, b) TM_TEST_CONCAT_INNER_(a, b)
#define TM_TEST_CONCAT_INNER_(a, b) a##b
