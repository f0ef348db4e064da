#include "base/db/access_scope.h"

#include <gtest/gtest.h>

namespace tidemark::db {
namespace {

TEST(AccessScope, AlwaysSetsBothAndQuotesCanonicalText) {
  EXPECT_EQ(AccessScope::None().ToSql(),
            "set local app.participant_ids = ''; set local app.study_ids = ''");
  const auto a = ParticipantId::Parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").value();
  const auto b = ParticipantId::Parse("017F22E2-79B0-7CC3-98C4-DC0C0C073990").value();
  const auto study = StudyId::Parse("017f22e2-79b0-7cc3-98c4-000000000000").value();
  EXPECT_EQ((AccessScope{{a, b}, {study}}).ToSql(),
            "set local app.participant_ids = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f,"
            "017f22e2-79b0-7cc3-98c4-dc0c0c073990'; "
            "set local app.study_ids = '017f22e2-79b0-7cc3-98c4-000000000000'");
}

}  // namespace
}  // namespace tidemark::db
