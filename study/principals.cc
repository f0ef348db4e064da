#include "study/principals.h"

#include "study/sql.h"

namespace tidemark::study {
namespace {

template <class Enum>
int Number(Enum value) {
  return static_cast<int>(value);
}

template <class IdType>
std::optional<std::string> TextOrNull(const IdType& id) {
  if (id.IsZero()) return std::nullopt;
  return id.ToString();
}

}  // namespace

void InsertPrincipal(db::Transaction& tx, const NewPrincipal& principal, int64_t now_us) {
  tx.Exec(sql::kInsertPrincipal, principal.principal_id.ToString(), Number(principal.kind),
          TextOrNull(principal.study_id), TextOrNull(principal.participant_id),
          principal.display_name, Number(principal.state), now_us);
}

void InsertCredential(db::Transaction& tx, const Token& token, CredentialKind kind,
                      PrincipalId principal, int64_t now_us, const CredentialTerms& terms) {
  const Sha256Digest hash = token.SecretHash();
  tx.Exec(sql::kInsertCredential, token.public_id, Number(kind), principal.ToString(),
          db::Bytea(AsView(hash)), now_us, terms.expires_at_us, terms.renewable_until_us,
          terms.label);
}

void RevokeCredentials(db::Transaction& tx, PrincipalId principal, CredentialKind kind,
                       int64_t now_us) {
  tx.Exec(sql::kRevokeCredentials, principal.ToString(), Number(kind), now_us);
}

}  // namespace tidemark::study
