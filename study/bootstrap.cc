#include "study/bootstrap.h"

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/fields.h"
#include "study/pg_device_rows.h"
#include "study/principals.h"
#include "study/sql.h"

namespace tidemark::study {

absl::Status CreateFirstOperator(db::Pool& pool, const Clock& clock, absl::Time deadline,
                                 absl::FunctionRef<absl::Status(const std::string&)> keep) {
  const PrincipalId id{Uuid::MakeV7(clock.Now())};
  const Token token = Token::Make(TokenKind::kOperator);
  return db::Transact(pool, "CreateFirstOperator", db::AccessScope::None(), deadline,
                      [&](db::Transaction& tx) -> absl::Status {
                        tx.Exec(sql::kLockBootstrap);
                        if (!tx.Exec(sql::kFindOperator).empty()) {
                          return StateConflict("the server has an operator");
                        }
                        const int64_t now_us = NowUs(clock);
                        InsertPrincipal(tx,
                                        {.principal_id = id,
                                         .kind = PrincipalKind::kOperator,
                                         .display_name = "first operator"},
                                        now_us);
                        InsertCredential(tx, token, CredentialKind::kToken, id, now_us);
                        return keep(token.ToString());
                      });
}

}  // namespace tidemark::study
