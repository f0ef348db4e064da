#include "base/db/access_scope.h"

#include <fmt/format.h>

namespace tidemark::db {
namespace {

template <class IdType>
std::string Joined(const std::vector<IdType>& ids) {
  std::string joined;
  for (const IdType& id : ids) {
    if (!joined.empty()) joined += ',';
    joined += id.ToString();
  }
  return joined;
}

}  // namespace

// Both settings always, so that a second scope in one transaction replaces the first entirely.
std::string AccessScope::ToSql() const {
  return fmt::format("set local app.participant_ids = '{}'; set local app.study_ids = '{}'",
                     Joined(participants), Joined(studies));
}

}  // namespace tidemark::db
