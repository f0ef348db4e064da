// Which participants' rows a transaction may see: the input of row-level security.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"

namespace tidemark::db {

// Set with SET LOCAL inside the transaction, so that a pooled connection carries nothing over.
// An empty scope sees no row of any participant table.
struct AccessScope {
  std::vector<ParticipantId> participants;
  std::vector<StudyId> studies;

  static AccessScope None() { return {}; }
  static AccessScope Participant(ParticipantId id) { return {{id}, {}}; }
  static AccessScope Study(StudyId id) { return {{}, {id}}; }

  // The SET LOCAL statements. The values are quoted literals of canonical UUID text, so that no
  // input can leave the quotes.
  std::string ToSql() const;
};

}  // namespace tidemark::db
