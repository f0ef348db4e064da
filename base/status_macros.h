// TM_RETURN_IF_ERROR and TM_ASSIGN_OR_RETURN: hand an error on to the caller, unchanged.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TM_RETURN_IF_ERROR(expr)                                                 \
  do {                                                                           \
    if (::absl::Status tm_status_ = (expr); !tm_status_.ok()) return tm_status_; \
  } while (false)

#define TM_ASSIGN_OR_RETURN(lhs, expr) \
  TM_ASSIGN_OR_RETURN_IMPL_(TM_CONCAT_(tm_status_or_, __LINE__), lhs, expr)

#define TM_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = *std::move(tmp)

#define TM_CONCAT_(a, b) TM_CONCAT_INNER_(a, b)
#define TM_CONCAT_INNER_(a, b) a##b
