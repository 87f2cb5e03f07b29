"""The policy pack: what no change of the program may give up, checked by Pulumi's engine."""
