"""Takes out the options with which Pulumi would forget what confines nobody any more.

With ``retain_on_delete`` it leaves a resource where it is, and with ``deleted_with`` it takes it to
go along with another one. In both cases it goes on to remove the group, and the policy with it,
while the grant or its identity stands. Each component hands these options on to its children, so
one that is set further up is enough. The engine tells them to no policy pack (the message
``AnalyzerResourceOptions`` of its protocol has neither), but to a resource's own transforms, which
see what is inherited.
"""

import pulumi


def go_before_policy(
    args: pulumi.ResourceTransformArgs,
) -> pulumi.ResourceTransformResult | None:
    """A transform of what has to be gone before its policy is: grant, workflow and identity.

    It warns and does without the options: whatever a transform raises the SDK prints with a
    traceback, and nothing but its deletion would be right.
    """
    opts = args.opts
    found = [name for name in ("retain_on_delete", "deleted_with") if getattr(opts, name)]
    if not found:
        return None
    pulumi.log.warn(
        f"{args.name}: {' and '.join(found)}, its own or that of a component around it, is left "
        "out: `pulumi destroy` would leave it where it is and remove the policy that confines it. "
        "Set the option on other resources only."
    )
    opts.retain_on_delete, opts.deleted_with = False, None
    return pulumi.ResourceTransformResult(args.props, opts)
