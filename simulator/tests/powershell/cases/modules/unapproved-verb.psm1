function Ensure-It { 1 }
