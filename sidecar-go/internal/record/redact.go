package record

import (
	"net/url"
	"regexp"
)

var (
	keys      = regexp.MustCompile(`tskey-[A-Za-z0-9-]+`)
	loginURLs = regexp.MustCompile(`(https?://[^/\s"]+/)(a|auth|login|register|oidc)(/[^\s"]*)`)
	userinfo  = regexp.MustCompile(`(https?://)[^/\s"@]+@`)
)

// WithoutSecrets takes keys, login URLs and credentials in URLs out of a text that is going to be logged or sent.
func WithoutSecrets(text string) string {
	text = keys.ReplaceAllString(text, "tskey-…")
	text = loginURLs.ReplaceAllString(text, "$1$2/…")
	return userinfo.ReplaceAllString(text, "$1…@")
}

// WithoutCredentials returns a URL as it may be shown: only scheme and host if it carries credentials.
func WithoutCredentials(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return WithoutSecrets(raw)
	}
	if u.User == nil && u.RawQuery == "" {
		return raw
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}
