// How people prove who they are: one-time sign-in codes, sessions, and lasting tokens of their own.
// proto/tidemark/v1/access.proto says what each method promises.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/transaction.h"
#include "base/ids.h"
#include "study/attempt_limiter.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/access.pb.h"

namespace tidemark::study {

inline constexpr absl::Duration kSignInCodeLife = absl::Minutes(15);
inline constexpr int kSignInAttemptsMax = 5;
inline constexpr absl::Duration kStaffSessionLife = absl::Hours(12);
inline constexpr absl::Duration kStaffSessionRenewable = absl::Hours(7 * 24);
inline constexpr uint32_t kTokenDaysMax = 366;
inline constexpr uint32_t kTokenDaysDefault = 90;
inline constexpr int kTokensPerPrincipalMax = 100;

struct SignInCode {
  std::string text;
  int64_t expires_at_us = 0;
};
// A code for somebody; earlier ones of the same person end.
SignInCode NewSignInCode(db::Transaction& tx, PrincipalId principal, const Clock& clock);

// Thread-safe. What is done here to credentials stands in the evidence (study/evidence.h), but for
// Renew(): it gives nothing that signing in did not.
class SignIn {
 public:
  // `attempts` outlives this.
  SignIn(Context context, AttemptLimiter* attempts)
      : context_(std::move(context)), attempts_(attempts) {}

  //   NOT_FOUND  nobody with a role in the study of the call, or a program
  absl::StatusOr<v1::CreateSignInCodeResponse> CreateCode(
      const Call& call, const v1::CreateSignInCodeRequest& request) const;
  //   INVALID_ARGUMENT    SIGN_IN_CODE_INVALID
  //   RESOURCE_EXHAUSTED  OVERLOADED: this code was tried too often of late, or too many were
  absl::StatusOr<v1::SignInResponse> Redeem(const v1::SignInRequest& request,
                                            absl::Time deadline) const;
  //   FAILED_PRECONDITION  SESSION_OVER; or the call was not made with a session
  absl::StatusOr<v1::RenewSessionResponse> Renew(const Call& call,
                                                 const v1::RenewSessionRequest& request) const;
  //   RESOURCE_EXHAUSTED  the caller has kTokensPerPrincipalMax live tokens
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const Call& call,
                                                      const v1::CreateTokenRequest& request) const;
  absl::StatusOr<v1::ListTokensResponse> ListTokens(const Call& call,
                                                    const v1::ListTokensRequest& request) const;
  //   NOT_FOUND  not a live token of the caller
  absl::StatusOr<v1::RevokeTokenResponse> RevokeToken(const Call& call,
                                                      const v1::RevokeTokenRequest& request) const;

 private:
  const Context context_;
  AttemptLimiter* const attempts_;
};

}  // namespace tidemark::study
