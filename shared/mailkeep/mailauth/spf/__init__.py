"""SPF (RFC 7208): may this host send mail in that domain's name?

The explanation that a domain may publish (section 6.2) is parsed and never fetched: no reply of ours shows a
stranger's text.
"""

from mailkeep.mailauth.spf.evaluate import SpfQuestion, SpfResult, check_host, may_have_record

__all__ = ["SpfQuestion", "SpfResult", "check_host", "may_have_record"]
